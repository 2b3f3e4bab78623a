import { Center, Loader, VisuallyHidden } from '@mantine/core';

import { texts } from '../texts';

/** While a page is fetched for longer than a moment. */
export function Waiting() {
  return (
    <Center py={80}>
      <VisuallyHidden role="status">{texts.common.loading}</VisuallyHidden>
      <Loader aria-hidden />
    </Center>
  );
}
