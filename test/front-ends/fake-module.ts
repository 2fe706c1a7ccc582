import { serve } from '../../modules/ansible/serve.js';
import { fakeOperation } from './fake-operation.js';
await serve(fakeOperation);
