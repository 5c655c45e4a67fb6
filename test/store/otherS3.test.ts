import { createS3Store } from '../../src/core/store/s3Store';
import { describeStore } from './contract';

// The same contract against any S3 server, such as Ceph or a real bucket: set TEST_S3_ENDPOINT, TEST_S3_BUCKET (which must
// exist), TEST_S3_ACCESS_KEY_ID, TEST_S3_SECRET_ACCESS_KEY, perhaps TEST_S3_REGION.
const { TEST_S3_ENDPOINT: endpoint, TEST_S3_BUCKET: bucket, TEST_S3_REGION: region = 'auto' } = process.env;
const { TEST_S3_ACCESS_KEY_ID: accessKeyId, TEST_S3_SECRET_ACCESS_KEY: secretAccessKey } = process.env;

if (endpoint && bucket && accessKeyId && secretAccessKey) {
  let stores = 0;
  const run = Date.now().toString(36);
  describeStore(`S3 at ${new URL(endpoint).host}`, async () =>
    createS3Store({
      endpoint,
      region,
      bucket,
      prefix: `datamanager-test-${run}/${++stores}`,
      credentials: { accessKeyId, secretAccessKey },
    }),
  );
}
