import { Page } from '../../components/Page';
import { texts } from '../../texts';

export function Run() {
  return <Page title={texts.nav.diagnostics}>{null}</Page>;
}
