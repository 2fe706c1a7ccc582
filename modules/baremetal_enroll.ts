import { serve } from './ansible/serve.js';
import { baremetalEnroll } from './nodes/enroll/operation.js';
await serve(baremetalEnroll);
