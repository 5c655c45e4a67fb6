/** Breaks a file in one to four ways, mostly where structure is. */
export function damage(bytes: Buffer, random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit);
  const pageSize = bytes.readUInt16BE(16) === 1 ? 65536 : bytes.readUInt16BE(16);
  const pages = Math.floor(bytes.length / pageSize);
  let result = bytes;
  for (let times = 1 + below(4); times > 0; times--) {
    const page = below(pages) * pageSize;
    const header = page === 0 ? 100 : page;
    const at = Math.min(result.length - 8, header + below(Math.min(64, pageSize - 108)));
    if (at < 0) return result;
    switch (below(9)) {
      case 0:
        result[at] = below(256);
        break;
      case 1:
        result.writeUInt32BE(1 + below(pages + 2), at);
        break;
      case 2:
        result.fill(0xff, at, at + 1 + below(8));
        break;
      case 3:
        result = Buffer.from(result.subarray(0, below(result.length)));
        if (result.length < 8) return result;
        break;
      case 4:
        result.writeUInt16BE(below(65536), Math.min(result.length - 8, header + 3));
        break;
      case 5: {
        const from = below(pages) * pageSize;
        if (page > 0 && from < result.length) result.copy(result, page, from, from + pageSize);
        break;
      }
      case 6:
        result[Math.min(result.length - 8, header)] = [2, 5, 10, 13, 0][below(5)] as number;
        break;
      case 7:
        result[16 + below(84)] = below(256);
        break;
      default:
        result[below(result.length)] = below(256);
    }
  }
  return result;
}
