/** A value of an entity's property; undefined: it has none. */
export type FilterValue = string | number | boolean | undefined;

/** Tells whether an entity matches, by its properties; undefined: unknown, because one is missing. */
export type Filter = (property: (name: string) => FilterValue) => boolean | undefined;

type Operand = (property: (name: string) => FilterValue) => FilterValue;

/** A filter that this client does not read. */
export class FilterError extends Error {
  override name = 'FilterError';
}

const token =
  /\s*(?:(<>|<=|>=|[=<>(),])|'((?:[^']|'')*)'|"((?:[^"]|"")+)"|([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|([A-Za-z_][\w.:-]*))/y;

type Token =
  | { kind: 'sign' | 'word'; text: string }
  | { kind: 'value'; value: string | number }
  | { kind: 'property'; text: string };

const mostTokens = 1000;
const mostDepth = 32;

/**
 * Reads a filter in CQL2 text (OGC 21-065r2), for what the server leaves to the
 * viewer: AND, OR, NOT, parentheses, comparisons, LIKE, IN, BETWEEN, IS NULL, TRUE
 * and FALSE, between properties and literals. Like the server's, it answers with
 * three values: what compares with a missing property, or with one of another
 * type, is unknown. Throws FilterError for anything else of the language.
 */
export function parseFilter(text: string): Filter {
  const parser = new Parser(tokens(text));
  const filter = parser.or(0);
  parser.end();
  return filter;
}

function tokens(text: string): Token[] {
  const list: Token[] = [];
  token.lastIndex = 0;
  const end = text.trimEnd().length;
  while (token.lastIndex < end) {
    const at = token.lastIndex;
    const found = token.exec(text);
    if (!found || list.length >= mostTokens)
      throw new FilterError(`the filter cannot be read at character ${at + 1}`);
    const [, sign, quoted, named, number, word] = found;
    if (sign !== undefined) list.push({ kind: 'sign', text: sign });
    else if (quoted !== undefined) list.push({ kind: 'value', value: quoted.replaceAll("''", "'") });
    else if (named !== undefined) list.push({ kind: 'property', text: named.replaceAll('""', '"') });
    else if (number !== undefined) list.push({ kind: 'value', value: Number(number) });
    else list.push({ kind: 'word', text: word as string });
  }
  return list;
}

class Parser {
  private at = 0;

  constructor(private readonly list: readonly Token[]) {}

  or(depth: number): Filter {
    let left = this.and(depth);
    while (this.take('OR')) {
      const [a, b] = [left, this.and(depth)];
      left = property => not(both(not(a(property)), not(b(property))));
    }
    return left;
  }

  end(): void {
    if (this.at < this.list.length) throw this.unread();
  }

  private and(depth: number): Filter {
    let left = this.predicate(depth);
    while (this.take('AND')) {
      const [a, b] = [left, this.predicate(depth)];
      left = property => both(a(property), b(property));
    }
    return left;
  }

  private predicate(depth: number): Filter {
    if (depth > mostDepth) throw new FilterError('the filter is nested too deeply');
    if (this.take('NOT')) {
      const inner = this.predicate(depth + 1);
      return property => not(inner(property));
    }
    if (this.take('(')) {
      const inner = this.or(depth + 1);
      this.need(')');
      return inner;
    }
    const operand = this.operand();
    const negated = this.take('NOT');
    const filter = this.comparison(operand, negated);
    return negated ? property => not(filter(property)) : filter;
  }

  private comparison(left: Operand, negated: boolean): Filter {
    if (this.take('BETWEEN')) {
      const low = this.operand();
      this.need('AND');
      const high = this.operand();
      return p => both(compare(left(p), '>=', low(p)), compare(left(p), '<=', high(p)));
    }
    if (this.take('IN')) return this.membership(left);
    if (this.take('LIKE')) return this.likeness(left);
    if (negated) throw this.unread();
    if (this.take('IS')) {
      const set = this.take('NOT');
      this.need('NULL');
      return p => (left(p) === undefined) !== set;
    }
    for (const sign of ['=', '<>', '<=', '>=', '<', '>'] as const) {
      if (!this.take(sign)) continue;
      const right = this.operand();
      return p => compare(left(p), sign, right(p));
    }
    // TRUE, FALSE or a property that is one.
    return p => {
      const value = left(p);
      return typeof value === 'boolean' ? value : undefined;
    };
  }

  private membership(left: Operand): Filter {
    this.need('(');
    const members = [this.operand()];
    while (this.take(',')) members.push(this.operand());
    this.need(')');
    return p => {
      let known: boolean | undefined = false;
      for (const member of members) {
        const equal = compare(left(p), '=', member(p));
        if (equal) return true;
        if (equal === undefined) known = undefined;
      }
      return known;
    };
  }

  private likeness(left: Operand): Filter {
    const next = this.list[this.at++];
    if (next?.kind !== 'value' || typeof next.value !== 'string') throw this.unread();
    const special = /[.*+?^${}()|[\]\\/]/g;
    const parts = next.value.match(/\\.|[\s\S]/gu) ?? [];
    const pattern = parts.map(part =>
      part === '%'
        ? '[\\s\\S]*'
        : part === '_'
          ? '[\\s\\S]'
          : part.replace(/^\\(.)/su, '$1').replace(special, '\\$&'),
    );
    const matches = new RegExp(`^${pattern.join('')}$`, 'u');
    return p => {
      const value = left(p);
      return typeof value === 'string' ? matches.test(value) : undefined;
    };
  }

  private operand(): Operand {
    const next = this.list[this.at++];
    switch (next?.kind) {
      case 'value':
        return () => next.value;
      case 'property':
        return property => property(next.text);
      case 'word': {
        const upper = next.text.toUpperCase();
        if (upper === 'TRUE' || upper === 'FALSE') return () => upper === 'TRUE';
        if (reserved.has(upper) || this.sees('(')) throw this.unread();
        return property => property(next.text);
      }
    }
    throw this.unread();
  }

  private sees(text: string): boolean {
    const next = this.list[this.at];
    return (next?.kind === 'sign' || next?.kind === 'word') && next.text.toUpperCase() === text;
  }

  private take(text: string): boolean {
    if (!this.sees(text)) return false;
    this.at++;
    return true;
  }

  private need(text: string): void {
    if (!this.take(text)) throw this.unread();
  }

  private unread(): FilterError {
    return new FilterError(`the filter cannot be read at its word ${this.at + 1}`);
  }
}

const reserved = new Set(['AND', 'OR', 'NOT', 'BETWEEN', 'IN', 'LIKE', 'IS', 'NULL']);

function not(a: boolean | undefined): boolean | undefined {
  return a === undefined ? undefined : !a;
}

function both(a: boolean | undefined, b: boolean | undefined): boolean | undefined {
  if (a === false || b === false) return false;
  return a === undefined || b === undefined ? undefined : true;
}

function compare(
  a: FilterValue,
  sign: '=' | '<>' | '<' | '<=' | '>' | '>=',
  b: FilterValue,
): boolean | undefined {
  if (a === undefined || b === undefined || typeof a !== typeof b) return undefined;
  switch (sign) {
    case '=':
      return a === b;
    case '<>':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
  }
}
