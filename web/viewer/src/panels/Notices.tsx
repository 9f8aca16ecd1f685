import { useStore } from '../app/context';
import { IconButton } from '../ui/Button';
import { Icon } from '../ui/Icon';

/** Messages to the user, with a way out. */
export function Notices() {
  const store = useStore();
  const words = store.words.value;
  return (
    <div class="notices" role="status">
      {store.notices.value.map(notice => (
        <div class="notice card" key={notice.key}>
          <Icon name="warning" size={18} />
          <span>{notice.text(words, store.language.value)}</span>
          {notice.retry && (
            <button type="button" class="link" onClick={notice.retry}>
              {words.app.retry}
            </button>
          )}
          <IconButton icon="close" label={words.app.dismiss} onClick={() => store.dismiss(notice.key)} />
        </div>
      ))}
    </div>
  );
}
