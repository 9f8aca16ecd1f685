import { useEffect, useState } from 'preact/hooks';
import { useStore } from '../app/context';
import { Icon } from '../ui/Icon';

/** Copies a text, and says whether that worked. */
export function CopyButton({ text, label }: { text: string; label?: string }) {
  const words = useStore().words.value.feature;
  const [outcome, setOutcome] = useState<'copied' | 'refused' | undefined>();
  useEffect(() => {
    if (!outcome) return undefined;
    const timer = setTimeout(() => setOutcome(undefined), 1800);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = () => {
    if (!navigator.clipboard) return setOutcome('refused');
    navigator.clipboard.writeText(text).then(
      () => setOutcome('copied'),
      () => setOutcome('refused'),
    );
    return undefined;
  };
  return (
    <>
      <button
        type="button"
        class="icon-button small"
        aria-label={label ?? words.copy}
        title={label ?? words.copy}
        onClick={copy}
      >
        <Icon name={outcome === 'copied' ? 'check' : 'copy'} size={16} />
      </button>
      <span class="copy-outcome" role="status">
        {outcome === 'copied' ? words.copied : outcome === 'refused' ? words.copyFailed : ''}
      </span>
    </>
  );
}
