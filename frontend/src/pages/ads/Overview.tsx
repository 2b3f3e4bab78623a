import { Page } from '../../components/Page';
import { texts } from '../../texts';

export function Overview() {
  return <Page title={texts.nav.overview}>{null}</Page>;
}
