import { Page } from '../../components/Page';
import { texts } from '../../texts';

export function Setup() {
  return <Page title={texts.nav.setup}>{null}</Page>;
}
