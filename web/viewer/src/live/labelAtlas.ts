const cells = 16; // across and down
const cell = 64; // pixels

/**
 * The letters on symbols: up to 255 short labels, each in a cell of one square
 * texture, drawn with the page's font when first asked for. Cell 0 is empty and
 * stands for every label beyond the 255th.
 */
export class LabelAtlas {
  readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D | null;
  private readonly cellOfLabel = new Map<string, number>([['', 0]]);
  /** Set when the canvas has changed since uploaded. */
  dirty = true;

  constructor(private readonly fontFamily: string) {
    this.canvas = document.createElement('canvas');
    this.canvas.width = this.canvas.height = cells * cell;
    this.context = this.canvas.getContext('2d', { willReadFrequently: false });
  }

  /** The cell that shows a label; labels longer than three characters show none. */
  readonly cellOf = (label: string): number => {
    const known = this.cellOfLabel.get(label);
    if (known !== undefined) return known;
    const next = this.cellOfLabel.size;
    const cellNumber = next >= cells * cells || label.length > 3 ? 0 : next;
    if (this.cellOfLabel.size < 4096) this.cellOfLabel.set(label, cellNumber);
    if (cellNumber !== 0) this.draw(cellNumber, label);
    return cellNumber;
  };

  private draw(number: number, label: string): void {
    const context = this.context;
    if (!context) return;
    const x = (number % cells) * cell;
    const y = Math.floor(number / cells) * cell;
    context.save();
    context.beginPath();
    context.rect(x, y, cell, cell);
    context.clip();
    context.fillStyle = '#fff';
    context.textAlign = 'center';
    context.textBaseline = 'alphabetic';
    const size = [0, 46, 36, 27][label.length] ?? 27;
    context.font = `700 ${size}px ${this.fontFamily}`;
    const box = context.measureText(label);
    const height = box.actualBoundingBoxAscent - box.actualBoundingBoxDescent;
    context.fillText(label, x + cell / 2, y + cell / 2 + height / 2);
    context.restore();
    this.dirty = true;
  }
}
