import { serve } from './ansible/serve.js';
import { baremetalNode } from './operations/baremetal-node/operation.js';
await serve(baremetalNode);
