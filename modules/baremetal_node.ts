import { serve } from './ansible/serve.js';
import { baremetalNode } from './nodes/node/operation.js';
await serve(baremetalNode);
