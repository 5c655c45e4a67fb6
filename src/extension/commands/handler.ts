import type { Services } from '../services';

/**
 * A command. Views call it with the row and, when several are selected, all of them; the palette with nothing; other
 * extensions and tests with an object of options that answers its questions. What it returns is what `executeCommand` gives.
 */
export type CommandHandler = (services: Services, argument: unknown, selected: unknown) => Promise<unknown>;
