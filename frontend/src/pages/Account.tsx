import { Page } from '../components/Page';
import { texts } from '../texts';

export function Account() {
  return <Page title={texts.nav.account}>{null}</Page>;
}
