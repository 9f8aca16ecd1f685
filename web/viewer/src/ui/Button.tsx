import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './Icon';

/** A square button that shows an icon; its label is read out and shown on hover. */
export function IconButton({
  icon,
  label,
  onClick,
  pressed,
  children,
}: {
  icon?: IconName;
  label: string;
  onClick: () => void;
  pressed?: boolean;
  children?: ComponentChildren;
}) {
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      title={label}
      {...(pressed === undefined ? {} : { 'aria-pressed': pressed })}
      onClick={onClick}
    >
      {icon ? <Icon name={icon} /> : children}
    </button>
  );
}

/** A button of words, with an icon where that helps. */
export function TextButton({
  icon,
  onClick,
  pressed,
  children,
}: {
  icon?: IconName;
  onClick: () => void;
  pressed?: boolean;
  children: ComponentChildren;
}) {
  return (
    <button
      type="button"
      class="text-button"
      {...(pressed === undefined ? {} : { 'aria-pressed': pressed })}
      onClick={onClick}
    >
      {icon && <Icon name={icon} size={16} />}
      <span>{children}</span>
    </button>
  );
}
