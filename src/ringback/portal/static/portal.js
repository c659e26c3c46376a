// The scripts of the pages. Every page works without them; each module makes one thing better. They run on the page as it is loaded
// and on what is put into it later (fragment.js tells).

import { sayTimes } from "./time.js";
import { again } from "./again.js";
import { offerCopies } from "./copy.js";
import { live } from "./live.js";
import { forms } from "./form.js";
import { rows } from "./rows.js";
import { tail } from "./tail.js";
import { further } from "./further.js";
import { onFresh } from "./fragment.js";

for (const begin of [sayTimes, offerCopies, live, again, forms, rows, tail, further]) {
  begin(document);
  onFresh(begin);
}
