import { useStore } from '../app/context';
import { textIn } from '../i18n';

/** The bookmarks as a row of buttons. */
export function Places() {
  const store = useStore();
  const { bookmarks } = store.config;
  if (bookmarks.length === 0) return null;
  return (
    <nav class="places card" aria-label={store.words.value.places.label}>
      {bookmarks.map(bookmark => (
        <button
          type="button"
          key={bookmark.id}
          class="place"
          data-bookmark={bookmark.id}
          {...(store.bookmark.value === bookmark.id ? { 'aria-current': 'true' as const } : {})}
          onClick={() => store.open(bookmark)}
        >
          {textIn(bookmark.title, store.language.value, bookmark.id)}
        </button>
      ))}
    </nav>
  );
}
