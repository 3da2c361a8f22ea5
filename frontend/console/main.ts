import { startDashboard } from "./dashboard";
import { tendForms } from "./forms";
import { followKnowledge } from "./knowledge";
import { keepTimes } from "./times";

keepTimes();
tendForms();
followKnowledge();
startDashboard();
