import { createS3Store } from '../../src/core/store/s3Store';
import { type CephServer, hasCeph, startCeph } from '../support/cephServer';
import { tempDir } from '../support/tempDir';
import { describeStore } from './contract';
import { describeMultipart } from './multipart';
import { describeRanged } from './ranged';
import { describeTransfer } from './transfer';

// A second, stricter S3 server than the emulator: it checks part numbers, ranges and signatures where that one does not.
if (hasCeph()) {
  describe('Ceph radosgw', () => {
    let ceph: CephServer;
    let stores = 0;

    before(async () => {
      ceph = await startCeph(tempDir());
    });
    after(() => ceph?.stop());

    const open = () => {
      const { endpoint, bucket, credentials } = ceph;
      return createS3Store({ endpoint, region: 'auto', bucket, prefix: `store-${++stores}`, credentials });
    };
    describeStore('Ceph radosgw', async () => open());
    describeMultipart('Ceph radosgw', open);
    describeRanged('Ceph radosgw', open);
    describeTransfer('Ceph radosgw', open);
  });
} else {
  it.skip('Ceph radosgw: the contract of a store (not installed: radosgw, ceph-mon, ceph-osd, ceph-common)');
}
