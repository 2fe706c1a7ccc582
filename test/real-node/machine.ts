// The machines of test/cloud/services/real_node.sh: a test takes one for itself, and reads what it
// says on its serial line.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRealIronic, removeNode } from '../acceptance/baremetal.js';
import { fact, root, until } from '../acceptance/cloud.js';
import type { Site } from '../acceptance/site.js';

export interface Machine {
  readonly name: string;
  readonly ipmi_port: number;
  readonly mac: string;
  /** Where its agent is reached. */
  readonly agent_host: string;
  /** What it has said since the test took it. */
  serial(): string;
}

interface MachineRecord extends Omit<Machine, 'serial'> {
  readonly folder: string;
  readonly serial: string;
}

/** A machine that nobody else has until the test is over; then it is off. */
export async function takeMachine(site: Site): Promise<Machine> {
  const machines = JSON.parse(readFileSync(fact(site.cloud, 'real_machines'), 'utf8')) as MachineRecord[];
  const taken = await until(async () => machines.find(take), 'a machine that nobody has', 1200);
  site.afterwards(() => {
    switchOff(taken);
    rmSync(mark(taken));
  });
  await removeLeftover(site, taken);
  const begin = sizeOf(taken.serial);
  // It is there from the first time on that the machine is switched on.
  const serial = (): string =>
    sizeOf(taken.serial) === 0 ? '' : readFileSync(taken.serial).subarray(begin).toString('latin1');
  return { ...taken, serial };
}

const mark = ({ folder }: MachineRecord): string => join(folder, 'taken-by');

function take(machine: MachineRecord): boolean {
  try {
    writeFileSync(mark(machine), String(process.pid), { flag: 'wx' });
  } catch {
    if (isHeld(machine)) return false;
    // Left by tests that were killed.
    writeFileSync(mark(machine), String(process.pid));
  }
  switchOff(machine);
  return true;
}

function isHeld(machine: MachineRecord): boolean {
  try {
    return process.kill(Number(readFileSync(mark(machine), 'utf8')), 0);
  } catch {
    return false;
  }
}

/** A test that was killed has left its node, and no other node can have the port of the machine. */
async function removeLeftover(site: Site, { mac }: MachineRecord): Promise<void> {
  const { ask } = openRealIronic(site);
  const { ports } = await ask<{ ports: readonly { node_uuid: string }[] }>('GET', `/ports/detail?address=${mac}`);
  for (const { node_uuid: uuid } of ports) await removeNode(ask, uuid);
}

function switchOff({ folder }: MachineRecord): void {
  execFileSync(join(root, 'test/cloud/real-node/chassis'), [folder, 'change', 'power', '0']);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** How often it was switched on, and from where it booted. */
export function bootsOf(machine: Machine): string[] {
  return [...machine.serial().matchAll(/power on, boots from (the network|its disk)/g)].map(([, from = '']) => from);
}
