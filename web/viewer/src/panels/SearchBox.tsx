import { useEffect, useRef, useState } from 'preact/hooks';
import { useStore } from '../app/context';
import { type SearchResult, search } from '../app/search';
import { Icon } from '../ui/Icon';

type State =
  | { phase: 'idle' }
  | { phase: 'searching' }
  | { phase: 'failed' }
  | { phase: 'done'; results: SearchResult[] };

const pause = 150; // ms of silence before a search is sent

/** Search by name: a combobox with a list of results, worked by pointer or by keys. */
export function SearchBox() {
  const store = useStore();
  const words = store.words.value;
  const [query, setQuery] = useState('');
  const [state, setState] = useState<State>({ phase: 'idle' });
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const [attempt, setAttempt] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const trimmed = query.trim();

  // A new attempt repeats the same search.
  useEffect(() => {
    if (trimmed === '') {
      setState({ phase: 'idle' });
      return undefined;
    }
    const request = new AbortController();
    setState(before => (before.phase === 'done' ? before : { phase: 'searching' }));
    const timer = setTimeout(() => {
      search(trimmed, request.signal).then(
        results => {
          setState({ phase: 'done', results });
          setActive(0);
        },
        () => {
          if (!request.signal.aborted) setState({ phase: 'failed' });
        },
      );
    }, pause);
    return () => {
      clearTimeout(timer);
      request.abort();
    };
  }, [trimmed, attempt]);

  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
      if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        input.current?.focus();
      }
    };
    window.addEventListener('keydown', focus);
    return () => window.removeEventListener('keydown', focus);
  }, []);

  const results = state.phase === 'done' ? state.results : [];
  const choose = (result: SearchResult | undefined) => {
    if (!result) return;
    setOpen(false);
    input.current?.blur();
    const live = store.layer(result.layer)?.live ?? false;
    store.showLayer(result.layer, true);
    store.goToBox(result.bbox);
    store.pick([{ layer: result.layer, id: result.id, live, properties: {}, place: result.center }]);
  };
  const keys = (event: KeyboardEvent) => {
    switch (event.key) {
      case 'ArrowDown':
      case 'ArrowUp': {
        event.preventDefault();
        setOpen(true);
        const step = event.key === 'ArrowDown' ? 1 : -1;
        if (results.length > 0) setActive((active + step + results.length) % results.length);
        break;
      }
      case 'Enter':
        choose(results[active]);
        break;
      case 'Escape':
        event.stopPropagation();
        if (open && trimmed) setOpen(false);
        else setQuery('');
        break;
    }
  };
  const shown = open && state.phase !== 'idle';
  return (
    // biome-ignore lint/a11y/useSemanticElements: a <search> element is not known to all browsers yet
    <div class="search" role="search">
      <Icon name="search" size={18} />
      <input
        ref={input}
        class="search-input"
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck={false}
        aria-label={words.search.label}
        aria-expanded={shown}
        aria-controls="search-results"
        aria-autocomplete="list"
        {...(shown && results[active] ? { 'aria-activedescendant': `search-result-${active}` } : {})}
        placeholder={words.search.placeholder}
        value={query}
        onInput={event => {
          setQuery(event.currentTarget.value);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setTimeout(() => setOpen(false), 150)}
        onKeyDown={keys}
      />
      {query ? (
        <button
          type="button"
          class="icon-button small"
          aria-label={words.search.clear}
          title={words.search.clear}
          onClick={() => {
            setQuery('');
            input.current?.focus();
          }}
        >
          <Icon name="close" size={16} />
        </button>
      ) : (
        <kbd class="search-key">/</kbd>
      )}
      {shown && (
        <div class="search-list card">
          {state.phase === 'searching' && <p class="sentence">{words.search.searching}</p>}
          {state.phase === 'failed' && (
            <p class="sentence">
              {words.search.failed}{' '}
              <button
                type="button"
                class="link"
                onMouseDown={event => event.preventDefault()}
                onClick={() => setAttempt(attempt + 1)}
              >
                {words.app.retry}
              </button>
            </p>
          )}
          {state.phase === 'done' && results.length === 0 && (
            <p class="sentence">{words.search.empty(trimmed)}</p>
          )}
          {/* Focus stays in the combobox, which names the active option. */}
          <div id="search-results" role="listbox" aria-label={words.search.results(results.length)}>
            {results.map((result, i) => (
              // biome-ignore lint/a11y/useFocusableInteractive: focus stays in the combobox
              // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox has the keys
              <div
                key={`${result.layer}/${result.id}`}
                id={`search-result-${i}`}
                class={`search-result${i === active ? ' active' : ''}`}
                role="option"
                aria-selected={i === active}
                onMouseDown={event => event.preventDefault()}
                onMouseMove={() => setActive(i)}
                onClick={() => choose(result)}
              >
                <span class="search-label">{result.label}</span>
                <span class="search-layer">{store.title(result.layer)}</span>
              </div>
            ))}
          </div>
        </div>
      )}
    </div>
  );
}
