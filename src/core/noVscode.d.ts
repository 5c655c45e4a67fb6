// tsconfig.core.json maps 'vscode' to this empty module, so that any use of it in core, cli or worker fails to compile.
export {};
