import { Page } from '../../components/Page';
import { texts } from '../../texts';

export function Settings() {
  return <Page title={texts.nav.settings}>{null}</Page>;
}
