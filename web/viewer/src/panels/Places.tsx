import { useStore } from '../app/context';
import { textIn } from '../i18n';

/** The city's name, and the bookmarks as a row of buttons. */
export function Places() {
  const store = useStore();
  const language = store.language.value;
  const { bookmarks, title } = store.config;
  return (
    <nav class="places card" aria-label={store.words.value.places.label}>
      <h1 class="city">{textIn(title, language, store.words.value.app.title)}</h1>
      {bookmarks.length > 0 && <span class="divider" />}
      {bookmarks.map(bookmark => (
        <button
          type="button"
          key={bookmark.id}
          class="place"
          data-bookmark={bookmark.id}
          {...(store.bookmark.value === bookmark.id ? { 'aria-current': 'true' as const } : {})}
          onClick={() => store.open(bookmark)}
        >
          {textIn(bookmark.title, language, bookmark.id)}
        </button>
      ))}
    </nav>
  );
}
