// Every operation there is, sorted by name. A new one is added here and gets its entry file in
// modules/.
import type { AnyOperation } from './core/operation.js';
import { baremetalEnroll } from './nodes/enroll/operation.js';
import { baremetalNode } from './nodes/node/operation.js';
import { baremetalPort } from './nodes/port/operation.js';
import { imageCache } from './cache/operation.js';
import { imageClean } from './images/clean/operation.js';
import { siteCheck } from './images/check/operation.js';
import { imageDeploy } from './images/deploy/operation.js';
import { imageInfo } from './images/info/operation.js';
import { imageProperty } from './images/property/operation.js';
import { imagePublish } from './images/publish/operation.js';
import { imageReport } from './images/report/operation.js';
import { imageRollback } from './images/rollback/operation.js';
import { ipaTest } from './ipa/operation.js';

export const operations: readonly AnyOperation[] = [
  baremetalEnroll,
  baremetalNode,
  baremetalPort,
  imageCache,
  imageClean,
  imageDeploy,
  imageInfo,
  imageProperty,
  imagePublish,
  imageReport,
  imageRollback,
  ipaTest,
  siteCheck,
];
