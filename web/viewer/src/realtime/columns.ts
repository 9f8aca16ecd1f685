/** A message that is not what the server's specification says. */
export class FrameError extends Error {
  override name = 'FrameError';
}

/**
 * One binary message, as numbers of each width over the same bytes. Frames are
 * multiples of 8 bytes long and columns begin at multiples of 4, so a column is
 * an index into one of these: no array is made for it, and a message has tens of
 * thousands of columns.
 */
export class Message {
  readonly bytes: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly f32: Float32Array;
  private readonly view: DataView;

  constructor(readonly buffer: ArrayBuffer) {
    if (buffer.byteLength % 8 !== 0) throw new FrameError(`a message of ${buffer.byteLength} bytes`);
    this.bytes = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.view = new DataView(buffer);
  }

  /** A double at a byte. */
  f64(at: number): number {
    return this.view.getFloat64(at, true);
  }

  /** A whole number below 2⁵³ at a byte. */
  u64(at: number): number {
    return (this.u32[at >> 2] as number) + (this.u32[(at >> 2) + 1] as number) * 2 ** 32;
  }
}

/** A table of FlatBuffers in a message: where it is, where its fields are listed, and what it must not leave. */
export class Table {
  private fields = 0; // byte of the list of fields
  private listed = 0; // its length in bytes
  private at = 0;
  private end = 0;

  constructor(readonly message: Message) {}

  /** Moves to the table at a byte of the frame that ends at another. */
  move(at: number, end: number): this {
    const { i32, u16 } = this.message;
    const fields = at - (i32[at >> 2] as number);
    const listed = u16[fields >> 1] as number;
    if (!(at % 4 === 0 && at + 4 <= end && fields >= 0 && fields % 2 === 0 && fields + listed <= end))
      throw new FrameError(`a table at byte ${at}`);
    this.at = at;
    this.end = end;
    this.fields = fields;
    this.listed = listed;
    return this;
  }

  /** The byte of a field, by its number in the schema; 0 where it is absent. */
  field(number: number, width: number): number {
    const entry = 4 + 2 * number;
    const offset = entry < this.listed ? (this.message.u16[(this.fields + entry) >> 1] as number) : 0;
    if (offset === 0) return 0;
    const at = this.at + offset;
    if (at + width > this.end || at % Math.min(width, 4) !== 0) throw new FrameError(`a field at byte ${at}`);
    return at;
  }

  u8(number: number): number {
    const at = this.field(number, 1);
    return at && (this.message.bytes[at] as number);
  }

  u32(number: number): number {
    const at = this.field(number, 4);
    return at && (this.message.u32[at >> 2] as number);
  }

  u64(number: number): number {
    const at = this.field(number, 8);
    return at && this.message.u64(at);
  }

  f64(number: number): number {
    const at = this.field(number, 8);
    return at && this.message.f64(at);
  }

  /** The byte of the table that a field points to. */
  table(number: number): number {
    const at = this.field(number, 4);
    const to = at + (this.message.u32[at >> 2] as number);
    if (at === 0 || to + 4 > this.end) throw new FrameError(`a table beyond its frame`);
    return to;
  }

  /** Where the bytes of a vector begin; 0 where it is absent. `length` tells how many there are. */
  vector(number: number): number {
    this.length = 0;
    const at = this.field(number, 4);
    if (at === 0) return 0;
    const start = at + (this.message.u32[at >> 2] as number);
    const length = this.message.u32[start >> 2] as number;
    if (!(start % 4 === 0 && start + 4 + length <= this.end))
      throw new FrameError(`a vector at byte ${start} beyond its frame`);
    this.length = length;
    return start + 4;
  }

  /** Bytes of the vector that was asked for last. */
  length = 0;

  /** The index of the first row of a column that must have so many rows of a width. */
  column(number: number, rows: number, width: 1 | 4): number {
    const at = this.vector(number);
    if (this.length !== rows * width)
      throw new FrameError(`a column of ${this.length / width} rows, expected ${rows}`);
    return width === 4 ? at >> 2 : at;
  }
}
