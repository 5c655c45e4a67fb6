// What we use of WebAssembly: TypeScript has its types for browsers only (lib.dom.d.ts).
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { readonly initial: number; readonly maximum?: number });
    readonly buffer: ArrayBuffer;
  }
}
