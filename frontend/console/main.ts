import { startDashboard } from "./dashboard";
import { tendForms } from "./forms";
import { startInbox } from "./inbox";
import { examineInstall } from "./install";
import { followKnowledge } from "./knowledge";
import { showLook } from "./look";
import { keepTimes } from "./times";

keepTimes();
tendForms();
followKnowledge();
startDashboard();
startInbox();
showLook();
examineInstall();
