/** The S3 client that the settings name. */
import type { Config } from '../infra/config.js';
import { createS3 } from '../infra/s3/client.js';

export const s3Of = (config: Config): ReturnType<typeof createS3> =>
  createS3({
    ...(config.S3_ENDPOINT === undefined ? {} : { endpoint: config.S3_ENDPOINT }),
    region: config.S3_REGION,
    accessKeyId: config.S3_ACCESS_KEY_ID,
    secretAccessKey: config.S3_SECRET_ACCESS_KEY,
  });
