// The server's log files, with `node --require`. VS Code writes them through a native module (@vscode/spdlog), which a server that
// was installed without install scripts does not have. This stands in for its compiled half: each entry at once, never rotated.
const { appendFileSync } = require('node:fs');

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'critical'];

class Logger {
  /** @param {string} _kind @param {string} _name @param {string} file */
  constructor(_kind, _name, file) {
    let lowest = 0;
    let bare = false;
    const methods = levels.map((level, rank) => [
      level,
      (/** @type {string} */ text) => {
        if (rank >= lowest) appendFileSync(file, bare ? text : `${new Date().toISOString()} [${level}] ${text}\n`);
      },
    ]);
    Object.assign(this, Object.fromEntries(methods), {
      setLevel: (/** @type {number} */ level) => {
        lowest = level;
      },
      clearFormatters: () => {
        bare = true;
      },
      setPattern() {},
      flush() {},
      drop() {},
    });
  }
}

/** @type {any} */
const Module = require('node:module');
const load = Module._load;
Module._load = (/** @type {string} */ request, /** @type {unknown[]} */ ...rest) => {
  const loaded = load(request, ...rest);
  if (request !== 'bindings') return loaded;
  const spdlog = { version: 0, setLevel() {}, setFlushOn() {}, Logger };
  return (/** @type {string} */ name) => (name === 'spdlog' ? spdlog : loaded(name));
};
