import { serve } from './ansible/serve.js';
import { baremetalPort } from './operations/baremetal-port/operation.js';
await serve(baremetalPort);
