#pragma once
#include <stdlib.h>
static inline float tune(const char*n,float d){const char*v=getenv(n);return v?strtof(v,NULL):d;}
#define TUNE(n,d) __extension__({static float v_=-12345;if(v_==-12345)v_=tune(n,d);v_;})
