// Loaded before a program by NODE_OPTIONS=--require: writes the highest memory that it took, in KiB, to the file MEMORY_REPORT.
// Not by resourceUsage(), which after an exec begins with what the parent had.
const { readFileSync, writeFileSync } = require('node:fs');

process.on('exit', () => {
  const [, kibibytes] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
  writeFileSync(process.env.MEMORY_REPORT, kibibytes);
});
