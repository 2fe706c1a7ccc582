// The part of the page about images of the Ironic Python Agent: pairs, and which nodes boot which.
import type { AgentImage, AgentPair, OtherBoot } from '../policy/agent-boots.js';
import { isProduction, releaseLabel } from '../policy/site-image.js';
import { badge } from './cells.js';
import { html, type Html } from './html.js';
import type { PageModel } from './model.js';

/** Nothing for a site without agents and without nodes. */
export function agentsSection({ agents: { pairs, others }, areNodesKnown }: PageModel): Html {
  if (pairs.length === 0 && others.length === 0 && areNodesKnown) return html``;
  const unknown = areNodesKnown ? undefined : html`<p>${badge('unknown')} which nodes boot which images</p>`;
  return html`<section>
<h2>Images of the Ironic Python Agent</h2>
${unknown}
<table class="agents">
<thead><tr><th>Agent</th><th>Kernel</th><th>Initramfs</th><th>Nodes that boot it</th></tr></thead>
<tbody>
${pairs.map((pair) => pairRow(pair, areNodesKnown))}${others.map((other) => otherRow(other, areNodesKnown))}</tbody>
</table>
</section>`;
}

function pairRow({ kernel, initramfs, nodes }: AgentPair, areNodesKnown: boolean): Html {
  const either = kernel ?? initramfs;
  const name = either?.productionName.replace(/\.(kernel|initramfs)$/, '') ?? '';
  const isCurrent = [kernel, initramfs].some(
    (image) => image && isProduction(image, image.productionName, image.owner),
  );
  const build = either ? releaseLabel(either) : '';
  return row(
    html`<bdi class="name">${name}</bdi> ${badge(isCurrent ? 'current' : 'archived')}
<span class="quiet">${build === '' ? 'build unknown' : html`build <bdi>${build}</bdi>`}</span>`,
    [halfOf(kernel), halfOf(initramfs), nodesOf(nodes, areNodesKnown)],
  );
}

function otherRow({ kernel, initramfs, fault, nodes }: OtherBoot, areNodesKnown: boolean): Html {
  const why = fault === undefined ? undefined : html` <span class="fault">${fault}</span>`;
  return row(html`<span class="name">Something else</span>${why}`, [
    html`<bdi>${kernel}</bdi>`,
    html`<bdi>${initramfs}</bdi>`,
    nodesOf(nodes, areNodesKnown),
  ]);
}

function row(heading: Html, [kernel, initramfs, nodes]: readonly Html[]): Html {
  return html`<tr><th scope="row">${heading}</th><td data-label="Kernel">${kernel ?? html``}</td>
<td data-label="Initramfs">${initramfs ?? html``}</td><td data-label="Nodes">${nodes ?? html``}</td></tr>
`;
}

function halfOf(image: AgentImage | undefined): Html {
  return image ? html`<code>${image.id}</code>` : html`<span class="fault">missing</span>`;
}

const nodesAtOnce = 8;

function nodesOf(nodes: readonly string[], areKnown: boolean): Html {
  if (nodes.length === 0) return areKnown ? html`<span class="quiet">none</span>` : badge('unknown');
  const count = areKnown ? String(nodes.length) : `at least ${nodes.length}`;
  const listed = (some: readonly string[]): Html => html`<bdi>${some.join(', ')}</bdi>`;
  if (nodes.length <= nodesAtOnce) return html`${count}: ${listed(nodes)}`;
  return html`<details><summary>${count} nodes</summary>${listed(nodes)}</details>`;
}
