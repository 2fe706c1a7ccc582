// Every operation there is, sorted by name. A new one is added here and gets its entry file in modules/.
import type { AnyOperation } from '../core/operation.js';
import { baremetalEnroll } from './baremetal-enroll/operation.js';
import { baremetalNode } from './baremetal-node/operation.js';
import { baremetalPort } from './baremetal-port/operation.js';
import { imageClean } from './image-clean/operation.js';
import { imageDeploy } from './image-deploy/operation.js';
import { imageInfo } from './image-info/operation.js';
import { imageProperty } from './image-property/operation.js';

export const operations: readonly AnyOperation[] = [baremetalEnroll, baremetalNode, baremetalPort, imageClean, imageDeploy, imageInfo, imageProperty];
