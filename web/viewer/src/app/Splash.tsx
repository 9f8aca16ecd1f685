/** A sentence in the middle of an empty page, with a way out where there is one. */
export function Splash({ text, action, onAction }: { text: string; action?: string; onAction?: () => void }) {
  return (
    <div class="veil" role={action ? 'alert' : 'status'}>
      <p>{text}</p>
      {action && onAction && (
        <button type="button" class="primary" onClick={onAction}>
          {action}
        </button>
      )}
    </div>
  );
}
