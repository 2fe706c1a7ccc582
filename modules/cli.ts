import { main } from './cli/main.js';
import { operations } from './registry.js';
await main(process.argv.slice(2), operations);
