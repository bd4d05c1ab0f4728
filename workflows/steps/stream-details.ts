/** Current details of a stream as Markdown, for the Temporal UI. */
import type { StreamState } from '../contracts/streams.js';

export function streamDetails(state: StreamState): string {
  const lines = [
    `Stream **${state.pipeline}/${state.stream}** on **${state.engine ?? '?'}** (${state.cluster ?? '?'}): **${state.state}**, wanted: ${state.wish}`,
    `generation ${state.generation}, submission ${state.submission}, ${state.restartsInWindow} restart(s) in the window`,
    state.engineJobId ? `engine id \`${state.engineJobId}\`` : undefined,
    state.link ? `[open in the engine](${state.link})` : undefined,
    state.reason,
  ];
  return lines.filter((line) => line !== undefined).join('\n\n');
}
