/** Brings a job jar to a Flink cluster once per content, whatever the jar is called and however many jobs ask at the same time. */
import type { Jar } from '../artifacts.js';
import type { FlinkClient } from './client.js';

export function createJarUpload(client: FlinkClient) {
  /** Uploads under way by content, so that jobs that start together share one. */
  const underWay = new Map<string, Promise<string>>();

  async function present(jar: Jar, signal?: AbortSignal): Promise<string | undefined> {
    const held = (await client.jars(signal)).filter((file) => file.name.endsWith(`-${jar.sha256}.jar`));
    // Two workers may have uploaded at the same moment: all take the older copy from then on.
    return held.sort((a, b) => (a.uploaded ?? 0) - (b.uploaded ?? 0))[0]?.id;
  }

  /** The cluster's id of the jar; its name there ends with the content's hash. */
  return async (jar: Jar, signal?: AbortSignal): Promise<string> => {
    const id = await present(jar, signal);
    if (id !== undefined) return id;
    const name = `${jar.fileName.replace(/\.jar$/, '')}-${jar.sha256}.jar`;
    // Not ended with one caller's signal: another may be waiting for the same upload.
    const upload = underWay.get(jar.sha256) ?? client.uploadJar(jar.path, name);
    underWay.set(jar.sha256, upload);
    try {
      return await upload;
    } finally {
      underWay.delete(jar.sha256);
    }
  };
}
