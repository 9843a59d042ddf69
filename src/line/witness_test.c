#include "base/testing.h"
#include "line/checkup.h"
int main(void){return 0;}
