import { serve } from './ansible/serve.js';
import { baremetalPort } from './nodes/port/operation.js';
await serve(baremetalPort);
