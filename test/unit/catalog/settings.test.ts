import assert from 'node:assert/strict';
import { parseSettings, writeSettings } from '../../../src/core/catalog/settings';
import { DataManagerError } from '../../../src/core/errors';

const message = (text: string): string => {
  try {
    parseSettings(text);
  } catch (error) {
    assert.ok(DataManagerError.is(error, 'SETTINGS_INVALID'), String(error));
    return error.message;
  }
  return 'accepted';
};

describe('settings', () => {
  it('reads what it writes', () => {
    const stores = [
      { type: 'folder', path: '../store' },
      { type: 's3', endpoint: 'https://s3.example.org', bucket: 'data', region: 'auto', prefix: 'energy' },
    ] as const;
    for (const store of stores) assert.deepEqual(parseSettings(writeSettings(store)).store, store);
    assert.equal(parseSettings(writeSettings(null)).store, null);
    assert.equal(parseSettings(null).diff.maxLines, 500);
  });

  it('says where and what is wrong', () => {
    assert.match(message('[]'), /:1:1: the file must be an object/);
    assert.match(message('{"store": {"type": "ftp"}}'), /:1:20: store\.type must be "folder" or "s3"/);
    assert.match(message('{"store": {"type": "s3", "bucket": "b"}}'), /store\.endpoint must be a text/);
    assert.match(message('{"store": {"type": "s3", "bucket": "b", "endpoint": "file:///x"}}'), /http\(s\) address/);
    assert.match(message('{"schemaVersion": 2}'), /newer Data Manager/);
    assert.match(message('{"diff": {"maxLines": -1}}'), /number of lines/);
    for (const url of ['ftp://x', 'https://me:pw@x', 'https://x/?a', 'https://x/#a', 'x', '../x']) {
      assert.match(message(JSON.stringify({ publicUrl: url })), /:1:14: publicUrl must be an http\(s\) address/, url);
    }
    assert.match(message('{"publicUrl": 1}'), /publicUrl must be/);
  });

  it('reads the public address without the slash at its end', () => {
    const { publicUrl } = parseSettings('{"publicUrl": "https://data.example.org/energy//"}');
    assert.equal(publicUrl, 'https://data.example.org/energy');
    assert.equal(parseSettings('{"publicUrl": null}').publicUrl, null);
  });
});
