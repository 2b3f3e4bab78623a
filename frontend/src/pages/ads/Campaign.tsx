import { Page } from '../../components/Page';
import { texts } from '../../texts';

export function Campaign() {
  return <Page title={texts.nav.campaign}>{null}</Page>;
}
