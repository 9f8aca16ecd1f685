export { dictionaries } from '../i18n';
export { en } from '../i18n/en';
