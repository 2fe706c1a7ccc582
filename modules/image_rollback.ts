import { serve } from './ansible/serve.js';
import { imageRollback } from './images/rollback/operation.js';
await serve(imageRollback);
