import type { GLTFParser } from 'three/addons/loaders/GLTFLoader.js';

/** The parts of EXT_structural_metadata that name features. */
interface Table {
  count: number;
  properties?: Record<
    string,
    { values: number; stringOffsets?: number; stringOffsetType?: 'UINT8' | 'UINT16' | 'UINT32' | 'UINT64' }
  >;
}

/** The ids of the features of each property table of a content, read when one is asked for. */
export class FeatureIds {
  constructor(
    private readonly tables: {
      bytes: ArrayBuffer;
      offsets: ArrayBuffer;
      width: 1 | 2 | 4 | 8;
      count: number;
    }[],
  ) {}

  /** The id of a feature by its row; undefined where the content does not name it. */
  of(row: number, table = 0): string | undefined {
    const t = this.tables[table];
    if (!t || row < 0 || row >= t.count) return undefined;
    const view = new DataView(t.offsets);
    const [from, to] = [offsetAt(view, row, t.width), offsetAt(view, row + 1, t.width)];
    if (!(from <= to && to <= t.bytes.byteLength)) return undefined;
    return new TextDecoder().decode(new Uint8Array(t.bytes, from, to - from));
  }

  private known: ReadonlyMap<string, number> | undefined;

  /** The rows of all features of the first table by id; read once. */
  get rows(): ReadonlyMap<string, number> {
    if (this.known) return this.known;
    const rows = new Map<string, number>();
    for (let row = 0; row < (this.tables[0]?.count ?? 0); row++) {
      const id = this.of(row);
      if (id !== undefined) rows.set(id, row);
    }
    this.known = rows;
    return rows;
  }

  /** The row of an id, or −1. */
  find(id: string, table = 0): number {
    const count = this.tables[table]?.count ?? 0;
    for (let row = 0; row < count; row++) if (this.of(row, table) === id) return row;
    return -1;
  }
}

function offsetAt(view: DataView, i: number, width: 1 | 2 | 4 | 8): number {
  if ((i + 1) * width > view.byteLength) return Number.NaN;
  switch (width) {
    case 1:
      return view.getUint8(i);
    case 2:
      return view.getUint16(i * 2, true);
    case 4:
      return view.getUint32(i * 4, true);
    default:
      return Number(view.getBigUint64(i * 8, true));
  }
}

const widths = { UINT8: 1, UINT16: 2, UINT32: 4, UINT64: 8 } as const;

/** Reads the column "id" of each property table of a glTF. */
export async function readFeatureIds(parser: GLTFParser): Promise<FeatureIds> {
  const extension = parser.json.extensions?.EXT_structural_metadata as
    | { propertyTables?: Table[] }
    | undefined;
  const tables = await Promise.all(
    (extension?.propertyTables ?? []).map(async table => {
      const id = table.properties?.id;
      const empty = new ArrayBuffer(0);
      if (id?.stringOffsets === undefined)
        return { bytes: empty, offsets: empty, width: 4 as const, count: 0 };
      const [bytes, offsets] = (await Promise.all([
        parser.getDependency('bufferView', id.values),
        parser.getDependency('bufferView', id.stringOffsets),
      ])) as [ArrayBuffer, ArrayBuffer];
      return { bytes, offsets, width: widths[id.stringOffsetType ?? 'UINT32'], count: table.count };
    }),
  );
  return new FeatureIds(tables);
}
