import { main } from '../../modules/cli/main.js';
import { fakeOperation } from './fake-operation.js';
await main(process.argv.slice(2), [fakeOperation]);
