/** FoodMart: the data of the demo, an HSQLDB script inside a jar; no server. */
import { placeJars } from '../fetch/unpack.js';
import lock from '../locks/foodmart.json' with { type: 'json' };
import type { Artifact } from '../types.js';

const VERSION = '0.5';

export const foodmart: Artifact = {
  name: 'foodmart',
  version: VERSION,
  sources: [
    {
      kind: 'maven',
      name: 'foodmart',
      dependencies: [
        { groupId: 'net.hydromatic', artifactId: 'foodmart-data-hsqldb', version: VERSION, exclusions: ['*:*'] },
      ],
      lock,
    },
  ],

  async install(fetched, dir) {
    await placeJars(fetched[0] ?? [], dir);
  },
};
