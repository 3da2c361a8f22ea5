import { startDashboard } from "./dashboard";
import { tendForms } from "./forms";
import { startInbox } from "./inbox";
import { followKnowledge } from "./knowledge";
import { keepTimes } from "./times";

keepTimes();
tendForms();
followKnowledge();
startDashboard();
startInbox();
