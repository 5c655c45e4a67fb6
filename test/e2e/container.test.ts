import { tempDir } from '../support/tempDir';
import { openWorkbench, type Workbench } from './workbench';

describe('the Data Manager container', () => {
  let workbench: Workbench;
  before(async function () {
    this.timeout(120_000);
    workbench = await openWorkbench(tempDir());
  });
  after(() => workbench?.close());

  it('opens from the activity bar and holds our views', async () => {
    await workbench.openDataManager();
    for (const view of ['Datasets', 'History']) {
      await workbench.page.getByRole('button', { name: `${view} Section` }).waitFor();
    }
    await workbench.shot('container');
  });
});
