import { serve } from './ansible/serve.js';
import { baremetalEnroll } from './operations/baremetal-enroll/operation.js';
await serve(baremetalEnroll);
