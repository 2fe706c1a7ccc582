// Loaded before a program by NODE_OPTIONS=--require: writes the highest memory that it took, in KiB, to the file MEMORY_REPORT.
const { writeFileSync } = require('node:fs');

process.on('exit', () => writeFileSync(process.env.MEMORY_REPORT, String(process.resourceUsage().maxRSS)));
