// For the person who starts a module by hand.
import type { AnyOperation } from '../core/operation.js';

/** What the module is and how it is run. */
export function usageOf({ name, command, summary }: AnyOperation): string {
  return [
    `${name}: ${summary}.`,
    '',
    'This is an Ansible module: Ansible runs it and hands it a file with its arguments. To use it,',
    '',
    `  ansible localhost -m ${name} -a 'cloud=NAME'     as an ad-hoc call, with a cloud of clouds.yaml`,
    `  ansible-doc -t module ${name}                    all options, results and examples`,
    `  chameleon-image-tools ${command} --help          the same from the command line, without Ansible`,
    '',
    'A file with the arguments as a JSON object may be given by hand too:',
    '',
    `  echo '{"cloud": "NAME"}' > arguments.json && ./${name}.mjs arguments.json`,
    '',
  ].join('\n');
}
